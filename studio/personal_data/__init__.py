"""What the site knows of one person: given to them as a file, and erased when they ask.

May import files and what is below it. What is made of files is known by `jobs`, which is reached by
the dotted name in `settings.PERSONAL_DATA`.
"""
