// libpci for Swift: what is variadic there, and its way to report errors, which is to end the process.
#pragma once

#include <pci/pci.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

// libpci calls `error` and expects it not to return. A function that vanishes while it is being read must not end the
// process, so `error` jumps back to the call that is under way in this thread.
static inline jmp_buf *shim_pci_escape(void) {
    static __thread jmp_buf escape;
    return &escape;
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void shim_pci_error(char *message, ...) {
    longjmp(*shim_pci_escape(), 1);
}
__attribute__((format(printf, 1, 2))) static inline void shim_pci_ignore(char *message, ...) {}

// Lists the functions below `sysfs_path` (".../bus/pci"); NULL when they cannot be listed. pci_cleanup() frees it.
static inline struct pci_access *_Nullable shim_pci_scan(const char *_Nonnull sysfs_path) {
    struct pci_access *access = pci_alloc();
    if (!access) return NULL;
    access->error = shim_pci_error;
    access->warning = shim_pci_ignore;
    access->debug = shim_pci_ignore;
    access->method = PCI_ACCESS_SYS_BUS_PCI;
    // What an escape leaves behind is freed with the process.
    if (setjmp(*shim_pci_escape())) return NULL;
    if (pci_set_param(access, (char *)"sysfs.path", (char *)sysfs_path) != 0) return NULL;
    pci_init(access);
    pci_scan_bus(access);
    return access;
}

// Reads ids and class of a function; false when it has vanished meanwhile.
static inline _Bool shim_pci_identify(struct pci_dev *_Nonnull device) {
    if (setjmp(*shim_pci_escape())) return 0;
    int wanted = PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS;
    pci_fill_info(device, wanted);
    return 1;
}

// Names out of the local pci.ids alone: no udev database, no network. NULL when there is none.
#define SHIM_PCI_LOCAL (PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB)
static inline const char *_Nullable shim_pci_vendor_name(struct pci_access *_Nonnull access, char *_Nonnull buffer,
                                                         int size, int vendor) {
    if (setjmp(*shim_pci_escape())) return NULL;
    return pci_lookup_name(access, buffer, size, PCI_LOOKUP_VENDOR | SHIM_PCI_LOCAL, vendor);
}
static inline const char *_Nullable shim_pci_device_name(struct pci_access *_Nonnull access, char *_Nonnull buffer,
                                                         int size, int vendor, int device) {
    if (setjmp(*shim_pci_escape())) return NULL;
    return pci_lookup_name(access, buffer, size, PCI_LOOKUP_DEVICE | SHIM_PCI_LOCAL, vendor, device);
}
static inline const char *_Nullable shim_pci_class_name(struct pci_access *_Nonnull access, char *_Nonnull buffer,
                                                        int size, int class_code) {
    if (setjmp(*shim_pci_escape())) return NULL;
    return pci_lookup_name(access, buffer, size, PCI_LOOKUP_CLASS | SHIM_PCI_LOCAL, class_code);
}
