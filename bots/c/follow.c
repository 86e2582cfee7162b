/* A bot that plays from what it reads: it follows the player that moved last.
 *
 *     cc -o follow follow.c && ./follow
 */
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct position {
    bool known;
    long x, y;
};

/* Where the value of a field of a JSON object begins; NULL if there is no such field. The fields of an
 * object have no fixed order, so each is looked for by its name. */
static const char *value(const char *line, const char *field)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", field);
    const char *found = strstr(line, key);
    return found ? found + strlen(key) : NULL;
}

/* The number in a field. */
static long number(const char *line, const char *field)
{
    const char *start = value(line, field);
    return start ? strtol(start, NULL, 10) : 0;
}

/* Whether a field is this text. */
static bool is(const char *line, const char *field, const char *text)
{
    const char *start = value(line, field);
    size_t length = strlen(text);
    return start && start[0] == '"' && strncmp(start + 1, text, length) == 0 && start[length + 1] == '"';
}

/* -1, 0 or 1: the shorter way from here to there on a board without edges. */
static int step(long here, long there, long size)
{
    long ahead = (there - here + size) % size;
    return ahead == 0 ? 0 : ahead <= size / 2 ? 1 : -1;
}

/* What to do next; 0 for nothing. */
static char next_move(struct position me, struct position target, long width, long height)
{
    if (!me.known)
        return 'N'; /* The first move joins the game, and shows where this player is. */
    if (!target.known)
        return 0;
    int x = step(me.x, target.x, width), y = step(me.y, target.y, height);
    return x == 1 ? 'E' : x == -1 ? 'W' : y == 1 ? 'S' : y == -1 ? 'N' : 0;
}

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "c-follow";
    char origin[32] = "";
    long width = 1, height = 1;
    struct position me = {0}, target = {0};
    char *line = NULL;
    size_t room = 0;

    /* The game comes on standard input: one JSON object per line, until the game ends. */
    while (getline(&line, &room, stdin) > 0) {
        if (is(line, "type", "welcome")) {
            /* As in ps#1: other programs may use the same name. */
            const char *you = value(line, "you");
            if (you)
                sscanf(you, "\"%31[^\"]", origin);
        } else if (is(line, "type", "state")) {
            width = number(line, "width");
            height = number(line, "height");
        } else if (is(line, "type", "move")) {
            struct position position = {true, number(line, "x"), number(line, "y")};
            if (is(line, "from", origin) && is(line, "name", name))
                me = position;
            else
                target = position;
        } else if (is(line, "type", "clock")) {
            /* Once a second. */
            char move = next_move(me, target, width, height);
            if (move) {
                printf("%c %s\n", move, name);
                fflush(stdout); /* at once, not when a buffer is full */
            }
        }
    }
    free(line);
    return 0;
}
