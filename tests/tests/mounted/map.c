/* Maps a file and does what it is told, a line each: `w OFFSET TEXT`, `r OFFSET LENGTH`, `s` (msync), `c` (close: the mapping
 * stays). */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char line[4096], text[4096];
    struct stat stat;
    long offset, length;
    int file = argc == 2 ? open(argv[1], O_RDWR) : -1;
    if (file < 0 || fstat(file, &stat) != 0)
        return 1;
    char *map = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return 2;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "w %ld %4095s", &offset, text) == 2) {
            memcpy(map + offset, text, strlen(text));
            puts("done");
        } else if (sscanf(line, "r %ld %ld", &offset, &length) == 2) {
            fwrite(map + offset, 1, length, stdout);
            puts("");
        } else if (line[0] == 'c') {
            puts(close(file) == 0 ? "done" : "failed");
        } else {
            puts(msync(map, stat.st_size, MS_SYNC) == 0 ? "done" : "failed");
        }
        fflush(stdout);
    }
    return 0;
}
