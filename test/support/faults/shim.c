/*
 * Makes calls on files under FAULT_DIR fail as FAULT_FILE says, from the moment it says so: to be
 * loaded with LD_PRELOAD. FAULT_FILE has one line, `WHAT ERRNO AFTER`:
 *
 *   write 28 0     writes fail with errno 28, from the next one on (AFTER: so many are let through;
 *                  below 0: so many fail)
 *   sync 5 0       fsync and fdatasync fail, after the data was written
 *   open 24 0      opens fail
 *   read 5 0       reads fail, and files are not mapped into memory
 *   all 30 0       all of these but reads, and rename and unlink, fail
 *   slow 3000 0    syncs take 3,000 ms longer
 *   dead 9 2       the process is killed (signal 9) at the third rename or unlink
 *
 * An empty file, or none: nothing fails. LevelDB writes through stdio, Node through write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#undef fwrite_unlocked
#undef fread_unlocked
#undef fflush_unlocked

#define NEXT(function) \
  static __typeof__(&function) next; \
  if (!next) next = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

static char root[PATH_MAX];
static size_t root_length;
static const char *orders;
/* What was ordered last, and how many calls it was since. */
static char last[128];
static int passed;

__attribute__((constructor)) static void start(void) {
  const char *dir = getenv("FAULT_DIR");
  orders = getenv("FAULT_FILE");
  if (!dir || !orders || !realpath(dir, root)) return;
  root_length = strlen(root);
}

static int is_below(const char *path) {
  return root_length > 0 && strncmp(path, root, root_length) == 0;
}

static int is_below_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_below(path);
}

/* The number that is ordered for this kind of call now; 0: none. */
static int order(const char *kind) {
  if (root_length == 0) return 0;
  int fd = syscall(SYS_openat, AT_FDCWD, orders, O_RDONLY);
  if (fd < 0) return 0;
  char line[128];
  ssize_t length = syscall(SYS_read, fd, line, sizeof line - 1);
  syscall(SYS_close, fd);
  line[length > 0 ? length : 0] = 0;
  if (strcmp(line, last) != 0) {
    strcpy(last, line);
    passed = 0;
  }
  char what[16];
  int number = 0, after = 0;
  if (sscanf(line, "%15s %d %d", what, &number, &after) < 2) return 0;
  int is_of_all =
      strcmp(kind, "slow") != 0 && strcmp(kind, "read") != 0 && strcmp(kind, "dead") != 0;
  int is_meant = strcmp(what, kind) == 0 || (strcmp(what, "all") == 0 && is_of_all);
  if (!is_meant) return 0;
  int before = __atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
  int is_spared = after < 0 ? before >= -after : before < after;
  return is_spared ? 0 : number;
}

static int fails(const char *kind, int is_meant) {
  int number = is_meant ? order(kind) : 0;
  if (number) errno = number;
  return number;
}

int open64(const char *path, int flags, ...) {
  NEXT(open64);
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  if (fails("open", is_below(path))) return -1;
  return next(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return open64(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode) {
  NEXT(fopen);
  if (fails("open", is_below(path))) return NULL;
  return next(path, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  NEXT(fopen64);
  if (fails("open", is_below(path))) return NULL;
  return next(path, mode);
}

ssize_t write(int fd, const void *data, size_t size) {
  NEXT(write);
  if (fails("write", fd > 2 && is_below_fd(fd))) return -1;
  return next(fd, data, size);
}

ssize_t read(int fd, void *data, size_t size) {
  NEXT(read);
  if (fails("read", fd > 2 && is_below_fd(fd))) return -1;
  return next(fd, data, size);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
  NEXT(pread64);
  if (fails("read", is_below_fd(fd))) return -1;
  return next(fd, data, size, at);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
  return pread64(fd, data, size, at);
}

ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t at) {
  NEXT(preadv64);
  if (fails("read", is_below_fd(fd))) return -1;
  return next(fd, parts, count, at);
}

size_t fread(void *data, size_t size, size_t count, FILE *file) {
  NEXT(fread);
  if (fails("read", is_below_fd(fileno(file)))) return 0;
  return next(data, size, count, file);
}

size_t fread_unlocked(void *data, size_t size, size_t count, FILE *file) {
  NEXT(fread_unlocked);
  if (fails("read", is_below_fd(fileno(file)))) return 0;
  return next(data, size, count, file);
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t at) {
  NEXT(mmap64);
  if (fails("read", fd > 2 && is_below_fd(fd))) return MAP_FAILED;
  return next(address, size, protection, flags, fd, at);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at) {
  return mmap64(address, size, protection, flags, fd, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  NEXT(pwrite64);
  if (fails("write", is_below_fd(fd))) return -1;
  return next(fd, data, size, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  NEXT(writev);
  if (fails("write", fd > 2 && is_below_fd(fd))) return -1;
  return next(fd, parts, count);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  NEXT(fwrite);
  if (fails("write", is_below_fd(fileno(file)))) return 0;
  return next(data, size, count, file);
}

size_t fwrite_unlocked(const void *data, size_t size, size_t count, FILE *file) {
  NEXT(fwrite_unlocked);
  if (fails("write", is_below_fd(fileno(file)))) return 0;
  return next(data, size, count, file);
}

static int sync_with(int (*next)(int), int fd) {
  if (!is_below_fd(fd)) return next(fd);
  int ms = order("slow");
  if (ms) usleep(ms * 1000);
  int done = next(fd);
  return fails("sync", 1) ? -1 : done;
}

int fsync(int fd) {
  NEXT(fsync);
  return sync_with(next, fd);
}

int fdatasync(int fd) {
  NEXT(fdatasync);
  return sync_with(next, fd);
}

static void die(int is_meant) {
  int signal = is_meant ? order("dead") : 0;
  if (signal) raise(signal);
}

int rename(const char *from, const char *to) {
  NEXT(rename);
  die(is_below(from));
  if (fails("all", is_below(from))) return -1;
  return next(from, to);
}

int unlink(const char *path) {
  NEXT(unlink);
  die(is_below(path));
  if (fails("all", is_below(path))) return -1;
  return next(path);
}
