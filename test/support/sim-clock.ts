export { SimClock } from '@holdfast/agent/testing';
