// Plays a loop without a seam.

const LEAD = 3; // seconds before and after the wrap, when only that is heard
const PAUSE = 0.6; // between two of these
const FADE = 0.02;

export class Looper {
  #passes = []; // when each begins and ends (in the context's seconds), and where in the loop it begins

  /**
   * Makes ready for sound of a sample rate: in a context of another, the loop would be resampled by itself, and its ends
   * would no longer fit. Call it from a click, as browsers keep sound off until then.
   */
  open(sampleRate) {
    if (this.context?.sampleRate !== sampleRate) {
      this.context?.close();
      this.context = new AudioContext({ sampleRate });
    }
    this.context.resume();
  }

  async load(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error("The loop can't be loaded.");
    this.buffer = await this.context.decodeAudioData(await response.arrayBuffer());
  }

  /** Plays it again and again. */
  play() {
    this.#begin([{ after: 0, offset: 0, seconds: Infinity }]);
  }

  /** Plays the seconds around the wrap, twice. */
  playWrap() {
    const lead = Math.min(LEAD, this.buffer.duration / 2);
    const offset = this.buffer.duration - lead;
    this.#begin([0, 2 * lead + PAUSE].map((after) => ({ after, offset, seconds: 2 * lead })));
  }

  stop() {
    for (const { source } of this.#passes) source.stop();
    this.#passes = [];
  }

  get playing() {
    return this.#passes.some(({ end }) => this.context.currentTime < end);
  }

  /** Where in the loop the sound is, in seconds; null when there is none. */
  get position() {
    if (!this.#passes.length) return null;
    const heard = this.context.currentTime - (this.context.outputLatency || 0);
    const pass = this.#passes.find(({ begin, end }) => begin <= heard && heard < end);
    return pass ? (pass.offset + heard - pass.begin) % this.buffer.duration : null;
  }

  #begin(passes) {
    this.stop();
    const now = this.context.currentTime + 0.05;
    this.#passes = passes.map(({ after, offset, seconds }) => {
      const begin = now + after;
      const end = begin + seconds;
      const source = new AudioBufferSourceNode(this.context, { buffer: this.buffer, loop: true });
      const volume = new GainNode(this.context);
      source.connect(volume).connect(this.context.destination);
      source.start(begin, offset);
      if (seconds < Infinity) {
        volume.gain.setValueAtTime(0, begin);
        volume.gain.linearRampToValueAtTime(1, begin + FADE);
        volume.gain.setValueAtTime(1, end - FADE);
        volume.gain.linearRampToValueAtTime(0, end);
        source.stop(end);
      }
      return { source, begin, end, offset };
    });
  }
}
