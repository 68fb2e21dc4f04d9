"""The study's comparison, reproduced: a page and tables of what the models of the zoo score, and what tests say of it.

`scored` gathers the scores of trials, `questions` says what is compared, `tables`, `differences` and `trades`
compute it, `charts` and `scatter` draw it, and `page`, `markdown` and `exports` write it down.
"""
