// What Swift cannot spell: volatile access, fences, prefetch, and the macros of sockets, TAP and memfd.
// Header-only, so that every call inlines into the Swift caller.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/memfd.h>
// Not linux/if.h: it defines struct ifreq differently, and a Swift file that sees both does not compile.
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A plain Swift pointer load may be hoisted out of a loop or merged; a device register must be touched exactly once
// per call and in program order with other volatile accesses.
static inline uint32_t shim_mmio_read32(const volatile void *_Nonnull p) { return *(const volatile uint32_t *)p; }
static inline void shim_mmio_write32(volatile void *_Nonnull p, uint32_t v) { *(volatile uint32_t *)p = v; }

// Orders descriptor stores before the doorbell that publishes them. Volatile alone orders nothing against ordinary
// stores: the compiler may sink them past it. x86 keeps store order (UC BAR), so the compiler barrier is enough there;
// arm64 needs the outer-shareable store barrier because the device is an observer outside the inner domain.
static inline void shim_doorbell_fence(void) {
#if defined(__aarch64__)
    __asm__ volatile("dmb oshst" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __asm__ volatile("" ::: "memory");
#endif
}

static inline void shim_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// linux/fcntl.h; the C library shows them under _GNU_SOURCE only, which a module header cannot set for itself.
#define SHIM_F_ADD_SEALS 1033
#define SHIM_F_GET_SEALS 1034
#define SHIM_F_SEAL_SHRINK 0x0002
static inline int shim_memfd_create(const char *_Nonnull name, int huge_pages) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge_pages ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
    return (int)syscall(SYS_memfd_create, name, flags);
}
// Whether the memory behind a descriptor can never become shorter: a sealed memfd, or what is no file (a device's window,
// a dma-buf).
static inline _Bool shim_cannot_shrink(int fd) {
    struct stat status;
    if (fstat(fd, &status) < 0) return 0;
    if (!S_ISREG(status.st_mode)) return 1;
    int seals = fcntl(fd, SHIM_F_GET_SEALS);
    return seals >= 0 && (seals & SHIM_F_SEAL_SHRINK);
}
static inline int shim_memfd_seal_shrink(int fd) { return fcntl(fd, SHIM_F_ADD_SEALS, SHIM_F_SEAL_SHRINK); }

static inline void *_Nullable shim_mmap(size_t length, int protection, int flags, int fd, off_t offset) {
    void *p = mmap(NULL, length, protection, flags, fd, offset);
    return p == MAP_FAILED ? NULL : p;
}

// Address space without memory behind it, which counts against no limit until it is made accessible.
static inline void *_Nullable shim_reserve(size_t length) {
    return shim_mmap(length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}
static inline int shim_make_accessible(void *_Nonnull start, size_t length) {
    return mprotect(start, length, PROT_READ | PROT_WRITE);
}
// Private memory that reads as zeros again, and that costs nothing until it is written to.
static inline int shim_forget(void *_Nonnull start, size_t length) { return madvise(start, length, MADV_DONTNEED); }

// TUNSETIFF on an open /dev/net/tun: plain Ethernet frames, no packet information, no vnet header.
static inline int shim_tap_attach(int fd, const char *_Nonnull name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return ioctl(fd, TUNSETIFF, &request);
}

// What a wire asks about its interface; 0 or more on success, a negative error number otherwise.
static inline int shim_interface_request(const char *_Nonnull name, unsigned long code, struct ifreq *_Nonnull r) {
    strncpy(r->ifr_name, name, IFNAMSIZ - 1);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) return -errno;
    int result = ioctl(s, code, r) < 0 ? -errno : 0;
    close(s);
    return result;
}
static inline int shim_interface_mtu(const char *_Nonnull name) {
    struct ifreq r = {0};
    int result = shim_interface_request(name, SIOCGIFMTU, &r);
    return result < 0 ? result : r.ifr_mtu;
}
static inline int shim_interface_set_mtu(const char *_Nonnull name, int mtu) {
    struct ifreq r = {0};
    r.ifr_mtu = mtu;
    return shim_interface_request(name, SIOCSIFMTU, &r);
}
static inline int shim_interface_bring_up(const char *_Nonnull name) {
    struct ifreq r = {0};
    int result = shim_interface_request(name, SIOCGIFFLAGS, &r);
    if (result < 0) return result;
    r.ifr_flags |= IFF_UP;
    return shim_interface_request(name, SIOCSIFFLAGS, &r);
}

// ppoll(2), which the C library shows under _GNU_SOURCE only.
static inline int shim_poll(struct pollfd *_Nonnull entries, size_t count, uint64_t nanoseconds) {
    struct timespec limit = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
    return (int)syscall(SYS_ppoll, entries, count, &limit, NULL, 0);
}

// Sends one frame to a Unix datagram socket that may come and go; never raises SIGPIPE.
static inline ssize_t shim_send_to_path(int socket, const void *_Nonnull bytes, size_t length,
                                        const struct sockaddr_un *_Nonnull address) {
    return sendto(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)address,
                  sizeof *address);
}
static inline int shim_bind_path(int socket, const struct sockaddr_un *_Nonnull address) {
    return bind(socket, (const struct sockaddr *)address, sizeof *address);
}
static inline int shim_connect_path(int socket, const struct sockaddr_un *_Nonnull address) {
    return connect(socket, (const struct sockaddr *)address, sizeof *address);
}
// Who is at the other end of a connected Unix socket; -1 (errno) when that cannot be told.
static inline int shim_peer_credentials(int socket, pid_t *_Nonnull pid, uid_t *_Nonnull uid) {
    struct { pid_t pid; uid_t uid; gid_t gid; } credentials;  // struct ucred (unix(7)), shown under _GNU_SOURCE only
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    return 0;
}
// epoll(7), which Swift's Glibc does not show: one number for each descriptor, readability alone.
static inline int shim_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int shim_epoll_add(int epoll, int fd, uint32_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = tag}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}
// Numbers of up to `count` descriptors that are readable now.
static inline int shim_epoll_ready(int epoll, uint32_t *_Nonnull tags, int count) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, count < 64 ? count : 64, 0);
    for (int i = 0; i < n; i++) tags[i] = events[i].data.u32;
    return n;
}
// Accepts one connection without waiting.
static inline int shim_accept(int socket) {
    int fd = accept(socket, NULL, NULL);
    if (fd < 0) return fd;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}
// Fills `address`; false when `path` is empty or does not fit.
static inline _Bool shim_socket_address(const char *_Nonnull path, struct sockaddr_un *_Nonnull address) {
    size_t length = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length == 0 || length >= sizeof address->sun_path) return 0;
    memcpy(address->sun_path, path, length);
    return 1;
}

// Sends `length` bytes with up to one descriptor (fd < 0: none) over a Unix socket.
static inline ssize_t shim_send_descriptor(int socket, const void *_Nonnull bytes, size_t length, int fd) {
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

// Receives one message and at most one descriptor (*fd = -1 when none came).
static inline ssize_t shim_receive_descriptor(int socket, void *_Nonnull bytes, size_t length, int *_Nonnull fd,
                                              int flags) {
    struct iovec vector = {.iov_base = bytes, .iov_len = length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    *fd = -1;
    ssize_t n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    if (n < 0) return n;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        // The padding of one descriptor has room for a second, which the kernel fills: nobody else would close it.
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int received;
            memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (i == 0)
                *fd = received;
            else
                close(received);
        }
    }
    return n;
}

// Starts `path` with descriptors[i] as its descriptor 3 + i, `output` as its standard output and error, and no input.
// The child has a process group of its own, so that a terminal's interrupt is this program's to handle, and the kernel
// kills it when the calling thread ends (PR_SET_PDEATHSIG, prctl(2)): posix_spawn(3) can ask for the first only.
// Returns 0, or the number of the error that kept it from running.
#define SHIM_SPAWN_DESCRIPTORS 8
static inline int shim_spawn_tethered(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments,
                                      const int *_Nonnull descriptors, int count, int output, pid_t *_Nonnull pid) {
    int report[2];
    if (count > SHIM_SPAWN_DESCRIPTORS) return EINVAL;
    if (syscall(SYS_pipe2, report, O_CLOEXEC) < 0) return errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int code = errno;
        close(report[0]);
        close(report[1]);
        return code;
    }
    if (child == 0) {
        // Everything is moved out of the way first: a source may have the number of another one's target.
        const int away = 3 + SHIM_SPAWN_DESCRIPTORS;
        int moved[SHIM_SPAWN_DESCRIPTORS];
        int status = fcntl(report[1], F_DUPFD_CLOEXEC, away);
        int words = fcntl(output, F_DUPFD_CLOEXEC, away);
        int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
        _Bool good = status >= 0 && words >= 0 && input >= 0;
        for (int i = 0; i < count; i++) {
            moved[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, away);
            good = good && moved[i] >= 0;
        }
        good = good && dup2(input, 0) == 0 && dup2(words, 1) == 1 && dup2(words, 2) == 2;
        for (int i = 0; i < count && good; i++) good = dup2(moved[i], 3 + i) == 3 + i;
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        good = good && setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
        if (getppid() != parent) _exit(127);
        if (good) {
            // CLOSE_RANGE_CLOEXEC: what other parts of the program left inheritable is not the child's.
            syscall(SYS_close_range, 3 + count, ~0u, 4u);
            execv(path, arguments);
        }
        int code = errno;
        if (write(status, &code, sizeof code) < 0) _exit(126);
        _exit(127);
    }
    close(report[1]);
    int code = 0;
    ssize_t n;
    do n = read(report[0], &code, sizeof code);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == (ssize_t)sizeof code) {
        waitpid(child, NULL, 0);
        return code;
    }
    *pid = child;
    return 0;
}
