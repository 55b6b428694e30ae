#!/usr/bin/env node
import '../dist/holdfast.js';
