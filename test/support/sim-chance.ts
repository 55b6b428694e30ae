export { SimChance } from '@holdfast/agent/testing';
