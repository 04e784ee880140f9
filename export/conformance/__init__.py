"""Every layer in every format: a table of cases, run through the real export, and the page that tells what came out."""
