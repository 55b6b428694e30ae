/*
 * Records what a process does to the files under POWER_DIR, in order, into POWER_LOG: to be loaded
 * with LD_PRELOAD. Each record is a line, `op path numbers… length`, and `length` bytes behind it:
 *
 *   create P      truncate P SIZE      write P OFFSET      sync P
 *   rename P Q    unlink P             mkdir P             rmdir P
 *
 * Paths are relative to POWER_DIR. Calls are serialized, so that the order is the true one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;

/* Some of these are macros where optimization is on. */
#undef fwrite_unlocked

#define NEXT(function) \
  static __typeof__(&function) next; \
  if (!next) next = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

__attribute__((constructor)) static void start(void) {
  const char *dir = getenv("POWER_DIR");
  const char *log = getenv("POWER_LOG");
  if (!dir || !log || !realpath(dir, root)) return;
  root_length = strlen(root);
  log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void put(const void *bytes, size_t length) {
  for (const char *at = bytes; length > 0;) {
    ssize_t done = syscall(SYS_write, log_fd, at, length);
    if (done <= 0) abort();
    at += done;
    length -= done;
  }
}

static void record(const void *data, size_t length, const char *format, ...) {
  char line[3 * PATH_MAX];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  size += snprintf(line + size, sizeof line - size, " %zu\n", length);
  put(line, size);
  put(data, length);
}

/* The path below the root, or NULL for what is not recorded. */
static const char *below(const char *path, char *buffer) {
  if (log_fd < 0) return NULL;
  if (path[0] != '/') {
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) return NULL;
    snprintf(buffer, 2 * PATH_MAX, "%s/%s", cwd, path);
    path = buffer;
  }
  if (strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == 0) return ".";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static const char *of_fd(int fd, char *buffer) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, buffer, PATH_MAX - 1);
  if (size <= 0) return NULL;
  buffer[size] = 0;
  return strstr(buffer, " (deleted)") ? NULL : below(buffer, buffer + PATH_MAX);
}

static int exists(const char *path) {
  struct stat found;
  int before = errno;
  int result = lstat(path, &found) == 0;
  errno = before;
  return result;
}

#define LOCKED(type, call, note) \
  pthread_mutex_lock(&mutex); \
  type result = call; \
  int error = errno; \
  note; \
  pthread_mutex_unlock(&mutex); \
  errno = error; \
  return result

static void note_open(const char *path, const char *name, int was, int truncates) {
  if (!name) return;
  if (!was && exists(path)) record("", 0, "create %s", name);
  else if (was && truncates) record("", 0, "truncate %s 0", name);
}

int open64(const char *path, int flags, ...) {
  NEXT(open64);
  va_list args;
  va_start(args, flags);
  mode_t mode = va_arg(args, mode_t);
  va_end(args);
  char buffer[2 * PATH_MAX];
  const char *name = flags & (O_CREAT | O_TRUNC) ? below(path, buffer) : NULL;
  if (!name) return next(path, flags, mode);
  pthread_mutex_lock(&mutex);
  int was = exists(path);
  int fd = next(path, flags, mode);
  int error = errno;
  if (fd >= 0) note_open(path, name, was, flags & O_TRUNC);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return fd;
}

FILE *fopen64(const char *path, const char *mode) {
  NEXT(fopen64);
  char buffer[2 * PATH_MAX];
  const char *name = mode[0] != 'r' ? below(path, buffer) : NULL;
  if (!name) return next(path, mode);
  pthread_mutex_lock(&mutex);
  int was = exists(path);
  FILE *file = next(path, mode);
  int error = errno;
  if (file) note_open(path, name, was, mode[0] == 'w');
  pthread_mutex_unlock(&mutex);
  errno = error;
  return file;
}

static off_t position(int fd) {
  struct stat found;
  if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &found) == 0 ? found.st_size : 0;
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t size) {
  NEXT(write);
  char buffer[3 * PATH_MAX];
  const char *name = of_fd(fd, buffer);
  if (!name) return next(fd, data, size);
  off_t at = position(fd);
  LOCKED(ssize_t, next(fd, data, size),
         if (result > 0) record(data, result, "write %s %lld", name, (long long)at));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  NEXT(pwrite64);
  char buffer[3 * PATH_MAX];
  const char *name = of_fd(fd, buffer);
  if (!name) return next(fd, data, size, at);
  LOCKED(ssize_t, next(fd, data, size, at),
         if (result > 0) record(data, result, "write %s %lld", name, (long long)at));
}

/* As many single writes: Node then sees a short one, and goes on. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  NEXT(writev);
  char buffer[3 * PATH_MAX];
  if (count < 1 || !of_fd(fd, buffer)) return next(fd, parts, count);
  return write(fd, parts[0].iov_base, parts[0].iov_len);
}

static size_t put_stream(size_t (*next)(const void *, size_t, size_t, FILE *), const void *data,
                         size_t size, size_t count, FILE *file) {
  char buffer[3 * PATH_MAX];
  const char *name = of_fd(fileno(file), buffer);
  if (!name) return next(data, size, count, file);
  long long at = ftello(file);
  LOCKED(size_t, next(data, size, count, file),
         if (result > 0) record(data, result * size, "write %s %lld", name, at));
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
  NEXT(fwrite);
  return put_stream(next, data, size, count, file);
}

size_t fwrite_unlocked(const void *data, size_t size, size_t count, FILE *file) {
  NEXT(fwrite_unlocked);
  return put_stream(next, data, size, count, file);
}

static int sync_with(int (*next)(int), int fd) {
  char buffer[3 * PATH_MAX];
  const char *name = of_fd(fd, buffer);
  if (!name) return next(fd);
  LOCKED(int, next(fd), if (result == 0) record("", 0, "sync %s", name));
}

int fsync(int fd) {
  NEXT(fsync);
  return sync_with(next, fd);
}

int fdatasync(int fd) {
  NEXT(fdatasync);
  return sync_with(next, fd);
}

int ftruncate64(int fd, off64_t size) {
  NEXT(ftruncate64);
  char buffer[3 * PATH_MAX];
  const char *name = of_fd(fd, buffer);
  if (!name) return next(fd, size);
  LOCKED(int, next(fd, size),
         if (result == 0) record("", 0, "truncate %s %lld", name, (long long)size));
}

int rename(const char *from, const char *to) {
  NEXT(rename);
  char buffers[2][2 * PATH_MAX];
  const char *source = below(from, buffers[0]);
  const char *target = below(to, buffers[1]);
  if (!source || !target) return next(from, to);
  LOCKED(int, next(from, to), if (result == 0) record("", 0, "rename %s %s", source, target));
}

#define ONE_PATH(function, parameters, arguments) \
  int function parameters { \
    NEXT(function); \
    char buffer[2 * PATH_MAX]; \
    const char *name = below(path, buffer); \
    if (!name) return next arguments; \
    LOCKED(int, next arguments, if (result == 0) record("", 0, #function " %s", name)); \
  }

ONE_PATH(unlink, (const char *path), (path))
ONE_PATH(rmdir, (const char *path), (path))
ONE_PATH(mkdir, (const char *path, mode_t mode), (path, mode))
