"""What all pages share: templates, numbers as people read them, the state of the books, and what is wrong."""
