"""The kinds of model that can be trained, a module each."""

from extrapcli.training.kinds.amplitude import AmplitudeRecipe
from extrapcli.training.kinds.base import Recipe
from extrapcli.training.kinds.beats import BeatsRecipe
from extrapcli.training.kinds.compose import ComposeRecipe
from extrapcli.training.kinds.melody import MelodyRecipe
from extrapcli.training.kinds.recall import RecallRecipe
from extrapcli.training.kinds.voice import VoiceRecipe
from extrapcli.training.kinds.waveform import LstmRecipe, Seq2seqRecipe, StudyRecipe

RECIPES: dict[str, type[Recipe]] = {
    "study": StudyRecipe,
    "lstm": LstmRecipe,
    "seq2seq": Seq2seqRecipe,
    "recall": RecallRecipe,
    "compose": ComposeRecipe,
    "melody": MelodyRecipe,
    "amplitude": AmplitudeRecipe,
    "beats": BeatsRecipe,
    "voice": VoiceRecipe,
}
"""The recipe class of each network. To add a network, write its class in a module of its own and list it here."""
