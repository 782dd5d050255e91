/** Reads a QR code from the camera or from a picture. The decoder is fetched when somebody scans. */
import type { Image } from 'qr/decode.js';

/** Widest picture that is decoded: a code on a sheet fills a good part of it. */
const MAX_SIDE = 1_280;

async function decode(image: Image): Promise<string | null> {
  const { default: decodeQR } = await import('qr/decode.js');
  try {
    return decodeQR(image);
  } catch {
    return null;
  }
}

function pixels(source: CanvasImageSource, width: number, height: number): Image | null {
  if (!width || !height) return null;
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, height: canvas.height, data };
}

/** The text of the code in a picture, `null` where none is found. */
export async function scanPicture(file: Blob): Promise<string | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const image = pixels(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return image ? decode(image) : null;
}

/** Opens the camera that looks away from the user. Throws where there is none, or it is not allowed. */
export async function openCamera(video: HTMLVideoElement): Promise<MediaStream> {
  const media = (navigator as { mediaDevices?: MediaDevices }).mediaDevices;
  if (!media) throw new Error('no camera on an insecure page');
  const stream = await media.getUserMedia({ video: { facingMode: 'environment' } });
  video.srcObject = stream;
  await video.play();
  return stream;
}

/** Looks until a code is found; `null` once `stopped` says so. */
export async function scanVideo(video: HTMLVideoElement, stopped: () => boolean): Promise<string | null> {
  while (!stopped()) {
    const image = pixels(video, video.videoWidth, video.videoHeight);
    const found = image && (await decode(image));
    if (found) return found;
    await new Promise((done) => setTimeout(done, 150));
  }
  return null;
}
