"""Views: one file each; the file's name is the view's."""
