"""One file a figure: what is measured, against what, and what is to be reached."""
