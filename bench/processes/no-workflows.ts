// Code of a device on which nothing runs.
import { workflow } from '@holdfast/agent';

export const nothing = workflow('nothing', async () => {}, { version: 1 });
