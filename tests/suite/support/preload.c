// What a program sees differently when this library is loaded before the system's: the time, and a
// disk that has no room left. Faults at the border to the system, for any user, without a mount.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// Seconds by which the clock is off.
static long off(void) {
    const char *text = getenv("TEST_CLOCK_IS_OFF");
    return text ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = NEXT(clock_gettime)(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += off();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = NEXT(gettimeofday)(now, zone);
    if (result == 0) now->tv_sec += off();
    return result;
}

time_t time(time_t *at) {
    time_t now = NEXT(time)(NULL) + off();
    if (at) *at = now;
    return now;
}

// Whether a table's file would have to grow, and the file that TEST_DISK_IS_FULL names is there.
static int has_no_room(int fd, off_t end) {
    const char *flag = getenv("TEST_DISK_IS_FULL");
    char link[64], path[PATH_MAX];
    struct stat found;
    if (!flag || access(flag, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, "/base/") && strncmp(path, "base/", 5) != 0) return 0;
    if (fstat(fd, &found) != 0 || end <= found.st_size) return 0;
    errno = ENOSPC;
    return 1;
}

static off_t total(const struct iovec *parts, int count) {
    off_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    return sum;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return has_no_room(fd, at + length) ? -1 : NEXT(pwrite)(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    return has_no_room(fd, at + length) ? -1 : NEXT(pwrite64)(fd, bytes, length, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return has_no_room(fd, at + total(parts, count)) ? -1 : NEXT(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    return has_no_room(fd, at + total(parts, count)) ? -1 : NEXT(pwritev64)(fd, parts, count, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    off_t at = getenv("TEST_DISK_IS_FULL") ? lseek(fd, 0, SEEK_CUR) : -1;
    return at >= 0 && has_no_room(fd, at + length) ? -1 : NEXT(write)(fd, bytes, length);
}

int posix_fallocate(int fd, off_t at, off_t length) {
    return has_no_room(fd, at + length) ? ENOSPC : NEXT(posix_fallocate)(fd, at, length);
}

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    return has_no_room(fd, at + length) ? ENOSPC : NEXT(posix_fallocate64)(fd, at, length);
}
