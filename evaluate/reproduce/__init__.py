"""The study's comparison, reproduced: a page and tables of what the models of the zoo score, and what tests say of it.

`scored` gathers the scores of trials, `questions` says what is compared, `tables`, `differences` and `trades`
compute it, `twins` finds models with the same weights, `notes` says what to know beside the numbers, `charts` and
`scatter` draw them, and `page`, `markdown` and `exports` write it all down.
"""
