"""What a reader of Typst would heed, were it not taken for plain text."""

MARKUP = (
    '#panic("owned")',
    '#import "@preview/cetz:0.3.0"',
    '#read("/etc/passwd")',
    '"); #sys.version //',
    "*bold* _slanted_ $x^2$ `raw` <label> @ref",
    "= heading \\ \\u{41} ~ -- ---",
    "#[",
    "/* comment",
)
