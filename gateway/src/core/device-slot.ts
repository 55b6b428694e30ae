/** Which of so many slots a device has: the same one always, at every gateway. */
export function slotOf(device: string, slots: number): number {
  let sum = 0;
  for (let index = 0; index < device.length; index += 1) {
    sum = (Math.imul(sum, 31) + device.charCodeAt(index)) >>> 0;
  }
  return sum % slots;
}
