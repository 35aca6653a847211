// What Swift cannot spell: volatile access, fences, prefetch, and the macros of sockets, TAP and memfd.
// Header-only, so that every call inlines into the Swift caller.
#pragma once

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/memfd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

static inline void shim_prefetch(const void *_Nonnull p) { __builtin_prefetch(p, 0, 3); }

static inline void shim_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// linux/fcntl.h; the C library shows them under _GNU_SOURCE only, which a module header cannot set for itself.
#define SHIM_F_ADD_SEALS 1033
#define SHIM_F_SEAL_SHRINK 0x0002
static inline int shim_memfd_create(const char *_Nonnull name, int huge_pages) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge_pages ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
    return (int)syscall(SYS_memfd_create, name, flags);
}
static inline int shim_memfd_seal_shrink(int fd) { return fcntl(fd, SHIM_F_ADD_SEALS, SHIM_F_SEAL_SHRINK); }

static inline void *_Nullable shim_mmap(size_t length, int protection, int flags, int fd, off_t offset) {
    void *p = mmap(NULL, length, protection, flags, fd, offset);
    return p == MAP_FAILED ? NULL : p;
}

// TUNSETIFF on an open /dev/net/tun: plain Ethernet frames, no packet information, no vnet header.
static inline int shim_tap_attach(int fd, const char *_Nonnull name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return ioctl(fd, TUNSETIFF, &request);
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
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(c), sizeof(int));
    return n;
}
