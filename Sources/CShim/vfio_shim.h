// linux/vfio.h and what newer kernels add to it: ioctl numbers as constants (Swift does not import macros with
// arguments), and layouts that headers older than the kernel lack.
#pragma once

#include <linux/vfio.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

// Linux 6.6: devices as character devices of their own.
#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#endif
// Linux 7: a BAR as dma-buf.
#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_DMA_BUF 11
#endif

enum {
    SHIM_VFIO_GET_API_VERSION = VFIO_GET_API_VERSION,
    SHIM_VFIO_CHECK_EXTENSION = VFIO_CHECK_EXTENSION,
    SHIM_VFIO_SET_IOMMU = VFIO_SET_IOMMU,
    SHIM_VFIO_GROUP_GET_STATUS = VFIO_GROUP_GET_STATUS,
    SHIM_VFIO_GROUP_SET_CONTAINER = VFIO_GROUP_SET_CONTAINER,
    SHIM_VFIO_GROUP_GET_DEVICE_FD = VFIO_GROUP_GET_DEVICE_FD,
    SHIM_VFIO_DEVICE_GET_INFO = VFIO_DEVICE_GET_INFO,
    SHIM_VFIO_DEVICE_GET_REGION_INFO = VFIO_DEVICE_GET_REGION_INFO,
    SHIM_VFIO_DEVICE_GET_IRQ_INFO = VFIO_DEVICE_GET_IRQ_INFO,
    SHIM_VFIO_DEVICE_SET_IRQS = VFIO_DEVICE_SET_IRQS,
    SHIM_VFIO_DEVICE_RESET = VFIO_DEVICE_RESET,
    SHIM_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO = VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
    SHIM_VFIO_DEVICE_PCI_HOT_RESET = VFIO_DEVICE_PCI_HOT_RESET,
    SHIM_VFIO_DEVICE_FEATURE = VFIO_DEVICE_FEATURE,
    SHIM_VFIO_DEVICE_BIND_IOMMUFD = VFIO_DEVICE_BIND_IOMMUFD,
    SHIM_VFIO_DEVICE_ATTACH_IOMMUFD_PT = VFIO_DEVICE_ATTACH_IOMMUFD_PT,
    SHIM_VFIO_IOMMU_GET_INFO = VFIO_IOMMU_GET_INFO,
    SHIM_VFIO_IOMMU_MAP_DMA = VFIO_IOMMU_MAP_DMA,
    SHIM_VFIO_IOMMU_UNMAP_DMA = VFIO_IOMMU_UNMAP_DMA,
    // linux/iommufd.h (Linux 6.2; MAP_FILE 6.14), type ';'.
    SHIM_IOMMU_DESTROY = _IO(';', 0x80),
    SHIM_IOMMU_IOAS_ALLOC = _IO(';', 0x81),
    SHIM_IOMMU_IOAS_IOVA_RANGES = _IO(';', 0x84),
    SHIM_IOMMU_IOAS_MAP = _IO(';', 0x85),
    SHIM_IOMMU_IOAS_UNMAP = _IO(';', 0x86),
    SHIM_IOMMU_IOAS_MAP_FILE = _IO(';', 0x8F),
};

// The bits of IOMMU_IOAS_MAP and IOMMU_IOAS_MAP_FILE.
#define SHIM_IOMMU_MAP_FIXED_IOVA 1
#define SHIM_IOMMU_MAP_WRITEABLE 2
#define SHIM_IOMMU_MAP_READABLE 4

// The fixed parts of structures that end in a flexible array: Swift does not take those for plain bytes.
struct shim_irq_set {
    uint32_t argsz, flags, index, start, count;
};
struct shim_device_feature {
    uint32_t argsz, flags;
};
struct shim_hot_reset_info {
    uint32_t argsz, flags, count;
};
struct shim_hot_reset {
    uint32_t argsz, flags, count;
};
struct shim_cap_sparse_mmap {
    struct vfio_info_cap_header header;
    uint32_t nr_areas, reserved;
};
struct shim_cap_iova_range {
    struct vfio_info_cap_header header;
    uint32_t nr_iovas, reserved;
};
struct shim_dma_unmap {
    uint32_t argsz, flags;
    uint64_t iova, size;
};
_Static_assert(sizeof(struct shim_irq_set) == offsetof(struct vfio_irq_set, data), "vfio_irq_set");
_Static_assert(sizeof(struct shim_device_feature) == offsetof(struct vfio_device_feature, data), "vfio_device_feature");
_Static_assert(sizeof(struct shim_hot_reset_info) == offsetof(struct vfio_pci_hot_reset_info, devices), "hot_reset_info");
_Static_assert(sizeof(struct shim_hot_reset) == offsetof(struct vfio_pci_hot_reset, group_fds), "hot_reset");
_Static_assert(sizeof(struct shim_cap_sparse_mmap) == offsetof(struct vfio_region_info_cap_sparse_mmap, areas), "areas");
_Static_assert(sizeof(struct shim_cap_iova_range) == offsetof(struct vfio_iommu_type1_info_cap_iova_range, iova_ranges),
               "iova_ranges");
_Static_assert(sizeof(struct shim_dma_unmap) == offsetof(struct vfio_iommu_type1_dma_unmap, data), "dma_unmap");

// struct vfio_device_bind_iommufd as Linux 6.6 has it; later fields are optional.
struct shim_bind_iommufd {
    uint32_t argsz, flags;
    int32_t iommufd;
    uint32_t out_devid;
};
struct shim_attach_iommufd {
    uint32_t argsz, flags, pt_id;
};
struct shim_region_dma_range {
    uint64_t offset, length;
};
// struct vfio_device_feature_dma_buf with its one range.
struct shim_feature_dma_buf {
    uint32_t region_index, open_flags, flags, nr_ranges;
    struct shim_region_dma_range range;
};
struct shim_iommu_destroy {
    uint32_t size, id;
};
struct shim_ioas_alloc {
    uint32_t size, flags, out_ioas_id;
};
struct shim_ioas_iova_ranges {
    uint32_t size, ioas_id, num_iovas, reserved;
    uint64_t allowed_iovas, out_iova_alignment;
};
struct shim_iova_range {
    uint64_t start, last;
};
struct shim_ioas_map {
    uint32_t size, flags, ioas_id, reserved;
    uint64_t user_va, length, iova;
};
struct shim_ioas_map_file {
    uint32_t size, flags, ioas_id;
    int32_t fd;
    uint64_t start, length, iova;
};
struct shim_ioas_unmap {
    uint32_t size, ioas_id;
    uint64_t iova, length;
};

// ioctl(2) is variadic, which Swift cannot call. 0 or more on success, a negative error number otherwise.
static inline int shim_ioctl_value(int fd, unsigned long request, long value) {
    int result = ioctl(fd, request, value);
    return result < 0 ? -errno : result;
}
static inline int shim_ioctl_pointer(int fd, unsigned long request, void *_Nullable argument) {
    int result = ioctl(fd, request, argument);
    return result < 0 ? -errno : result;
}
static inline uint64_t shim_locked_memory_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 ? (uint64_t)limit.rlim_cur : 0;
}
