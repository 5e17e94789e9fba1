"""How a bundle comes to be: recipe, split, fit, evaluate, export, card."""
