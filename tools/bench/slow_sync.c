/* Makes every sync of a file 2 ms slower, as on the disk of a small rented machine. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int slow(int result) {
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, 0);
    return result;
}

int fsync(int file) { return slow((int)syscall(SYS_fsync, file)); }

int fdatasync(int file) { return slow((int)syscall(SYS_fdatasync, file)); }
