// The loudness of a microphone, some times a second.
const INTERVAL_MS = 100;
// What counts as full: speech close to the microphone.
const FULL_RMS = 0.25;

export class LevelMeter {
  #context = null;
  #timer = 0;

  // Shows the level of an audio track in a <meter>; one at a time.
  show(track, meter) {
    this.stop();
    if (!track) {
      meter.value = 0;
      return;
    }
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      meter.value = Math.min(rms / FULL_RMS, 1);
    }, INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#context?.close();
    this.#context = null;
  }
}
