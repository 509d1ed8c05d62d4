"""From results to what is read: sentences, caveats, tables in LaTeX and HTML, figures, and one page."""
