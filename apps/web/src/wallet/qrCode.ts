/** @file A QR code as an SVG element, dark on white in both colour schemes, since cameras expect that. */
import qrcode from 'qrcode-generator';

const SVG = 'http://www.w3.org/2000/svg';
/** Modules of white around the code, as the standard asks. */
const QUIET = 4;

export function qrCode(text: string, label: string): SVGElement {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
  const whole = size + 2 * QUIET;
  const svg = shape('svg', {
    viewBox: `0 0 ${whole} ${whole}`,
    role: 'img',
    'aria-label': label,
    class: 'qr',
  });
  svg.append(
    shape('rect', { width: String(whole), height: String(whole), fill: '#fff' }),
    shape('path', { d: path, fill: '#000', 'shape-rendering': 'crispEdges' }),
  );
  return svg;
}

function shape(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const node = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) node.setAttribute(attribute, value);
  return node;
}
