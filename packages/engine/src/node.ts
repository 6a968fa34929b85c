/** @file What the engine has under Node alone: the devices of this machine. A browser's bundle never meets it. */
export { ComputeProgram, type ComputeProgramOptions } from './devices/ComputeProgram.js';
export { chooseDevice, type DetectOptions, detectDevices, fastest } from './devices/detectDevices.js';
export { DEVICES, type DeviceName, type DeviceReport } from './devices/device.js';
export { type ServedDevice, servedDevice } from './devices/servedDevice.js';
export { nodePlatformOn } from './session/nodePlatform.js';
