/* A bot that only prints moves: ten steps in random directions, and then it is done.
 *
 *     cc -o walk walk.c && ./walk
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "c-walk";

    srandom((unsigned)time(NULL));
    for (int i = 0; i < 10; i++) {
        /* One move per line: a direction and the name of the player. */
        printf("%c %s\n", "NSEW"[random() % 4], name);
        /* Sends the line now. Without this, C keeps what is printed into a pipe until it has some
         * thousand bytes, or the program ends. */
        fflush(stdout);
        usleep(200000);
    }
    return 0;
}
