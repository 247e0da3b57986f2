// The sound of the piano, and the metronome's click.

const ATTACK = 0.005;
const RELEASE = 0.25;
const SILENCE = 0.0001; // exponential ramps can't reach 0
const PARTIALS = [
  { times: 1, level: 0.6 },
  { times: 2, level: 0.22 },
  { times: 3, level: 0.09 },
  { times: 4, level: 0.04 },
];

let context;

/** The page's AudioContext. Call it from a click or key press: browsers keep it silent until then. */
export function audio() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  return context;
}

const frequency = (midi) => 440 * 2 ** ((midi - 69) / 12);

export class Synth {
  #sounding = new Map();

  press(midi) {
    this.release(midi);
    const out = audio();
    const now = out.currentTime;
    const volume = new GainNode(out, { gain: SILENCE });
    volume.gain.exponentialRampToValueAtTime(0.3, now + ATTACK);
    volume.gain.exponentialRampToValueAtTime(0.12, now + 0.4);
    volume.gain.exponentialRampToValueAtTime(0.01, now + 4);
    const fade = new GainNode(out); // a node of its own, as not every browser can end a ramp halfway
    volume.connect(fade).connect(out.destination);
    const partials = PARTIALS.map(({ times, level }) => {
      const partial = new OscillatorNode(out, { frequency: frequency(midi) * times });
      partial.connect(new GainNode(out, { gain: level })).connect(volume);
      partial.start(now);
      return partial;
    });
    this.#sounding.set(midi, { fade, partials });
  }

  release(midi) {
    const note = this.#sounding.get(midi);
    if (!note) return;
    this.#sounding.delete(midi);
    const now = context.currentTime;
    note.fade.gain.setTargetAtTime(0, now, RELEASE / 5);
    for (const partial of note.partials) partial.stop(now + RELEASE);
  }
}

/** A click of the metronome at `when`, in the AudioContext's seconds. */
export function click(when, accented) {
  const out = audio();
  const volume = new GainNode(out, { gain: 0.25 });
  volume.gain.setValueAtTime(0.25, when);
  volume.gain.exponentialRampToValueAtTime(SILENCE, when + 0.05);
  const tone = new OscillatorNode(out, { frequency: accented ? 1760 : 1175 });
  tone.connect(volume).connect(out.destination);
  tone.start(when);
  tone.stop(when + 0.06);
  return tone;
}
