"""The parts of `compose`, which plays new music with the song's own sounds; see docs/compose.md.

`Slots` cut the song, `Units` are what can be played in a slot, `choose` takes those that are near to a plan, and
`Layer` plays them in one of the `Bands`. What is missing is the plan.
"""
