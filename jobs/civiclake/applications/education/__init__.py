"""Education: supply, access, equity, learners over their years, and what a change would do.

Every ``build`` is the step of the mart of its name (``marts/education/``). What a figure does not
have, its ``gap`` says in a sentence.
"""
