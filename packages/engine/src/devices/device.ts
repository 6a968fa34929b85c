/** @file The kinds of devices a graph can run on under Node, by the names ONNX Runtime gives their providers. */

/** From the one that usually is the fastest to the one that is always there. */
export const DEVICES = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;

export type DeviceName = (typeof DEVICES)[number];

/** What was found out about one kind of device on this machine. */
export interface DeviceReport {
  readonly device: DeviceName;
  /** `ready`: computed a test correctly. `broken`: computed it wrongly, crashed or hung. `absent`: cannot be opened. */
  readonly state: 'ready' | 'broken' | 'absent';
  /** What a person calls it; empty where unknown. */
  readonly name: string;
  /** Of the device itself; of the machine for the processor. Absent where nobody tells. */
  readonly memoryBytes?: number;
  readonly freeMemoryBytes?: number;
  /** Rate of an FP32 matrix product, operations in units of 10⁹ a second; only where `ready`. */
  readonly gflops?: number;
  /** Why it is not ready; empty where it is. */
  readonly reason: string;
  /** What to do about it; empty where nothing need or can be done. */
  readonly remedy: string;
}
