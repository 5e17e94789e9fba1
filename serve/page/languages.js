// Who chose a language is met in it the next time; the photos are asked about again, in the new language.
element.addEventListener('click', (event) => {
  const link = event.target.closest('a[lang]');
  if (link) document.cookie = `language=${link.lang};path=/;max-age=31536000;samesite=lax`;
});
