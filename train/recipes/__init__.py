"""Recipes: one file a system; the file's name is the recipe's."""
