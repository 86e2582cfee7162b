#!/usr/bin/env node
// A bot that only prints moves: ten steps in random directions, and then it is done.
"use strict";

const name = process.argv[2] ?? "js-walk";
let moves = 0;

const timer = setInterval(() => {
  // One move per line: a direction and the name of the player. console.log sends the line at once.
  console.log("NSEW"[Math.floor(Math.random() * 4)], name);
  moves += 1;
  if (moves === 10) clearInterval(timer);
}, 200);
