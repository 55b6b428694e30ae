/** 200 bytes that begin with their number. */
export const reading = (index) => String(index).padStart(8, '0').padEnd(200, 'x');
