// A drawn picture, so that there is something to denoise without any file.

type Context = OffscreenCanvasRenderingContext2D;

/** Paints a bay at evening into 480 × 360 units. */
export function paintScene(context: Context): void {
  context.setTransform(context.canvas.width / 480, 0, 0, context.canvas.height / 360, 0, 0);
  paintSky(context);
  paintSun(context, 330, 120);
  paintHills(context, 205, 26, 0.4, '#7b5b7e');
  paintHills(context, 222, 18, 2.1, '#4f4467');
  paintSea(context);
  paintLighthouse(context, 92);
  paintBoat(context, 262, 268);
  paintBirds(context);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

function paintSky(context: Context): void {
  const sky = context.createLinearGradient(0, 0, 0, 235);
  sky.addColorStop(0, '#2d4a7c');
  sky.addColorStop(0.55, '#c9788b');
  sky.addColorStop(1, '#f6c48c');
  context.fillStyle = sky;
  context.fillRect(0, 0, 480, 360);
}

function paintSun(context: Context, x: number, y: number): void {
  for (const [radius, colour] of [
    [62, '#e79a86'],
    [50, '#f0b285'],
    [37, '#fff0c2'],
  ] as const) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

function paintHills(
  context: Context,
  base: number,
  height: number,
  phase: number,
  colour: string,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(0, 240);
  for (let x = 0; x <= 480; x += 6) {
    const rise =
      Math.sin(x / 53 + phase) +
      0.6 * Math.sin(x / 23 + 2.3 * phase) +
      0.25 * Math.sin(x / 9 + phase);
    context.lineTo(x, base - height * rise * 0.6);
  }
  context.lineTo(480, 240);
  context.fill();
}

function paintSea(context: Context): void {
  const sea = context.createLinearGradient(0, 232, 0, 360);
  sea.addColorStop(0, '#d88a80');
  sea.addColorStop(0.35, '#5c6a94');
  sea.addColorStop(1, '#1d2f52');
  context.fillStyle = sea;
  context.fillRect(0, 232, 480, 128);
  context.strokeStyle = '#f3d3bd';
  for (let row = 0; row < 8; row++) {
    const y = 244 + row * row * 1.7 + row * 3;
    context.globalAlpha = 0.3 + 0.04 * row;
    context.lineWidth = 1 + row * 0.25;
    for (let k = 0; k < 7; k++) {
      const x = ((k * 83 + row * 47) % 560) - 40;
      context.beginPath();
      context.moveTo(x, y);
      context.quadraticCurveTo(x + 14, y - 3, x + 28 + row * 2, y);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

function paintLighthouse(context: Context, x: number): void {
  context.fillStyle = '#2b2a3c';
  context.beginPath();
  context.ellipse(x - 10, 246, 92, 26, 0, Math.PI, 0);
  context.fill();
  for (let band = 0; band < 6; band++) {
    const top = 118 + band * 18;
    const half = 11 + band * 1.5;
    context.fillStyle = band % 2 ? '#f4e9dc' : '#98402a';
    context.beginPath();
    context.moveTo(x - half, top);
    context.lineTo(x + half, top);
    context.lineTo(x + half + 1.5, top + 18);
    context.lineTo(x - half - 1.5, top + 18);
    context.fill();
  }
  context.fillStyle = '#ffe9a8';
  context.fillRect(x - 8, 100, 16, 18);
  context.fillStyle = '#3a1c16';
  context.fillRect(x - 13, 115, 26, 4);
  context.beginPath();
  context.moveTo(x - 12, 101);
  context.lineTo(x, 86);
  context.lineTo(x + 12, 101);
  context.fill();
}

function paintBoat(context: Context, x: number, y: number): void {
  context.fillStyle = '#f7efe4';
  context.beginPath();
  context.moveTo(x, y - 78);
  context.lineTo(x + 44, y - 8);
  context.lineTo(x, y - 8);
  context.fill();
  context.fillStyle = '#e7b48f';
  context.beginPath();
  context.moveTo(x - 4, y - 66);
  context.lineTo(x - 4, y - 8);
  context.lineTo(x - 34, y - 8);
  context.fill();
  context.fillStyle = '#4a1d14';
  context.beginPath();
  context.moveTo(x - 46, y - 2);
  context.lineTo(x + 54, y - 2);
  context.quadraticCurveTo(x + 42, y + 18, x + 28, y + 18);
  context.lineTo(x - 28, y + 18);
  context.fill();
}

function paintBirds(context: Context): void {
  context.strokeStyle = '#2b2a3c';
  context.lineWidth = 2.5;
  context.lineCap = 'round';
  const lift = 0.5;
  for (const [x, y, size] of [
    [196, 74, 13],
    [226, 92, 10],
    [174, 100, 9],
  ] as const) {
    context.beginPath();
    context.moveTo(x - size, y - size * lift * 0.4);
    context.quadraticCurveTo(x - size * 0.4, y - size * lift, x, y);
    context.quadraticCurveTo(x + size * 0.4, y - size * lift, x + size, y - size * lift * 0.4);
    context.stroke();
  }
}
