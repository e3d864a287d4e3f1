// One picture with a name under it.
export class Tile {
  constructor(parent, name, { own = false } = {}) {
    this.figure = document.createElement('figure');
    this.figure.classList.toggle('own', own);
    this.video = document.createElement('video');
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = own;
    this.video.setAttribute('aria-label', own ? 'Your camera' : `Camera of ${name}`);
    this.video.srcObject = new MediaStream();
    const caption = document.createElement('figcaption');
    caption.textContent = own ? `${name} (you)` : name;
    this.figure.append(this.video, caption);
    parent.append(this.figure);
  }

  add(track) {
    this.video.srcObject.addTrack(track);
    // Where sound may not start by itself, the picture does, and the controls offer the sound.
    this.video.play().catch(() => {
      this.video.muted = true;
      this.video.controls = true;
      this.video.play().catch(() => {});
    });
  }

  remove() {
    this.video.srcObject = null;
    this.figure.remove();
  }
}
