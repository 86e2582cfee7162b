#!/usr/bin/env node
// A bot that plays from what it reads: it follows the player that moved last.
"use strict";

const readline = require("node:readline");

const name = process.argv[2] ?? "js-follow";
let origin, board, me, target;

// -1, 0 or 1: the shorter way from here to there on a board without edges.
function step(here, there, size) {
  const ahead = (there - here + size) % size;
  return ahead === 0 ? 0 : ahead <= size / 2 ? 1 : -1;
}

// What to do next; null for nothing.
function nextMove() {
  if (!me) return "N"; // The first move joins the game, and shows where this player is.
  if (!target) return null;
  const x = step(me.x, target.x, board.width);
  const y = step(me.y, target.y, board.height);
  return { 1: "E", "-1": "W" }[x] ?? { 1: "S", "-1": "N" }[y] ?? null;
}

// The game comes on standard input: one JSON object per line, until the game ends.
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const event = JSON.parse(line);
  if (event.type === "welcome") {
    origin = event.you; // as in ps#1: other programs may use the same name
  } else if (event.type === "state") {
    board = event.board;
  } else if (event.type === "move") {
    const position = { x: event.x, y: event.y };
    if (event.from === origin && event.name === name) me = position;
    else target = position;
  } else if (event.type === "clock") {
    // Once a second. console.log sends the line at once.
    const move = nextMove();
    if (move) console.log(move, name);
  }
});
