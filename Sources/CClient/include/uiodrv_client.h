// A client of `uiodrv serve` in C: receives TCP payload into a region of its own and works on records instead of bytes.
//
// The numbers here are those of the Swift module ClientKit (ApplicationChannel, FragmentRecord, ControlMessage); a test of
// the project compares them. One thread uses a struct uiodrv_client. Functions return 0 on success, and otherwise a negative
// errno, or a positive status that the controller gave (enum uiodrv_status); uiodrv_explain() puts either into words.
#ifndef UIODRV_CLIENT_H
#define UIODRV_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UIODRV_CHANNEL_MAGIC UINT64_C(0x48437672646F6975)
#define UIODRV_CHANNEL_VERSION 3u

// Offsets in a channel; the rings' places are in its first words, in the order of struct uiodrv_shape.
#define UIODRV_AT_LINEAR_CONSUMED 0x100u
#define UIODRV_AT_SEND_CONSUMED 0x140u
#define UIODRV_AT_ENGINE_NEEDED 0x180u
#define UIODRV_AT_ENGINE_PUBLISHED 0x1C0u
#define UIODRV_AT_CLIENT_NEEDED 0x200u
#define UIODRV_AT_CLIENT_PUBLISHED 0x240u
#define UIODRV_AT_CONSUMED_THROUGH 0x280u
#define UIODRV_AT_COUNTERS 0x400u
#define UIODRV_AT_RINGS 0x1000u

// What a channel's first words say, after magic (8 bytes) and version (4 bytes).
struct uiodrv_shape {
    uint32_t bytes;
    uint32_t records, record_capacity;
    uint32_t returns, return_stride, return_capacity, return_lanes;
    uint32_t commands, command_capacity;
    uint32_t linear, linear_bytes;
    uint32_t sends, send_bytes;
};

enum uiodrv_kind {
    UIODRV_LINEAR = 1,         // length bytes in host memory: uiodrv_linear()
    UIODRV_DEVICE = 2,         // length bytes at offset of the region: uiodrv_payload(); return the token
    UIODRV_OPENED = 3,         // a connection exists; offset: address << 16 | port of the peer, or see UIODRV_IPV6
    UIODRV_END_OF_STREAM = 4,  // the peer has sent everything
    UIODRV_CLOSED = 5,         // the connection is gone; length: the reason
    UIODRV_UNTRUSTED = 6,      // the device vouches for no checksums of it
    UIODRV_FRAME = 7,          // a frame without TCP
    UIODRV_PLACE = 8,          // where the next record's bytes belong; taken care of by uiodrv_next()
    UIODRV_EVENT = 9,          // header_length: which (enum uiodrv_event), offset: its number
    UIODRV_SENT = 10,          // length sends from a region are over, the first is number offset; 0: one was refused
};

enum uiodrv_event {
    UIODRV_EXHAUSTED = 1,
    UIODRV_EXHAUSTION_AHEAD = 2,
    UIODRV_LANDED_ELSEWHERE = 3,
    UIODRV_STALLED = 4,
    UIODRV_DEVICE_RESET = 5,
    UIODRV_DEVICE_GONE = 6,
    UIODRV_UNBOUND = 7,
    UIODRV_REHOMED = 8,
    UIODRV_TOO_MANY_TOKENS = 9,
    UIODRV_SEND_AREA = 10,
};

enum uiodrv_command_kind {
    UIODRV_SEND = 1,
    UIODRV_SHUTDOWN = 2,
    UIODRV_ABORT = 3,
    UIODRV_DEMAND = 4,
    UIODRV_DISCARD = 5,
    UIODRV_LEAVE = 6,
    UIODRV_REARM = 7,
    UIODRV_SEND_REGION = 8,
};

#define UIODRV_HAS_SUM 1u   // payload_sum is the one's-complement sum that the bytes must have
#define UIODRV_MOVED 8u     // the bytes were put in the region by a processor, not by the device
#define UIODRV_ACKNOWLEDGED 16u  // the peer has all of what was sent

// The peer of UIODRV_OPENED: its address is offset, length, payload_sum and region, from the front, and its port header_length.
#define UIODRV_IPV6 16u

struct uiodrv_record {
    uint64_t token;
    uint64_t offset;
    uint32_t length;
    uint32_t connection;
    uint16_t payload_sum;
    uint16_t region;
    uint8_t kind;
    uint8_t flags;
    uint16_t header_length;
};

struct uiodrv_range {
    uint64_t start;
    uint32_t count;
    uint32_t reserved;
};

struct uiodrv_command {
    uint32_t kind;
    uint32_t connection;
    uint32_t length;
    uint16_t region;
    uint16_t reserved;
    uint64_t offset;
};

#define UIODRV_MESSAGE_BYTES 64u
struct uiodrv_message {
    uint16_t operation;
    uint16_t status;
    uint32_t reference;
    uint64_t operands[7];
};

enum uiodrv_operation {
    UIODRV_OP_HELLO = 1,
    UIODRV_OP_ATTACH = 2,
    UIODRV_OP_LISTEN = 3,
    UIODRV_OP_UNLISTEN = 4,
    UIODRV_OP_CONNECT = 5,
    UIODRV_OP_GIVE_BACK = 6,
    UIODRV_OP_STATUS = 7,
    UIODRV_OP_REHOME = 8,
    UIODRV_OP_DETACH = 9,
    UIODRV_OP_BIND = 10,
    UIODRV_OP_CHANNEL = 0x100,
    UIODRV_OP_LINE = 0x101,
    UIODRV_OP_REGION = 0x102,
    UIODRV_OP_REGION_GONE = 0x103,
    UIODRV_OP_GOODBYE = 0x104,
};

// Flags of uiodrv_attach().
#define UIODRV_TOKENS_OUTLIVE_CONNECTIONS 1u
#define UIODRV_UNIFORM 2u

// The present region, and past ones that wait for tokens.
#define UIODRV_REGIONS 16

struct uiodrv_region {
    uint8_t *bytes;  // NULL: nothing here
    uint64_t size;
    uint64_t slot_size;
    uint32_t number;
};

struct uiodrv_client {
    int socket;
    int engine_line;  // written to wake the engine
    int bell;         // readable when the engine has published
    uint32_t reference;
    uint32_t number;  // by which the controller knows this client
    int is_over;      // the controller is gone or has said goodbye
    uint8_t *channel;
    size_t channel_bytes;
    struct uiodrv_shape shape;
    struct uiodrv_region regions[UIODRV_REGIONS];
    uint32_t record_head, record_tail;
    uint32_t return_tail, command_tail;
    struct uiodrv_range pending;
    struct uiodrv_record place;
    uint64_t linear_consumed;
    int dirty;
};

// Connects to the controller that listens at `path`.
int uiodrv_connect(struct uiodrv_client *client, const char *path);
// Asks for a region of `bytes` in slots of `slot_size`, and for a queue that fills it.
int uiodrv_attach(struct uiodrv_client *client, uint64_t slot_size, uint64_t bytes, uint64_t flags);
// The same, with `send_bytes` of them, in whole slots, to write to and to send from: UIODRV_SEND_AREA tells where.
int uiodrv_attach_to_send(struct uiodrv_client *client, uint64_t slot_size, uint64_t bytes, uint64_t flags,
                          uint64_t send_bytes);
// Accepts connections to `port`, each with `slots` guaranteed (0: shared).
int uiodrv_listen(struct uiodrv_client *client, uint16_t port, uint32_t slots);
// Gives everything back and frees what `client` holds.
void uiodrv_close(struct uiodrv_client *client);

// The next record, or NULL when there is none. Valid until the next call. In a uniform binding, bytes that arrived in host memory
// have been copied to their place, and the record is a UIODRV_DEVICE one with UIODRV_MOVED.
const struct uiodrv_record *uiodrv_next(struct uiodrv_client *client, struct uiodrv_record *record);
// The bytes of a UIODRV_DEVICE record; NULL when it names none of this client's memory.
uint8_t *uiodrv_payload(const struct uiodrv_client *client, const struct uiodrv_record *record);
// The bytes of a UIODRV_LINEAR record, valid until uiodrv_consumed() has given them back; NULL as above.
const uint8_t *uiodrv_linear(const struct uiodrv_client *client, const struct uiodrv_record *record);
// Gives the bytes of linear records back, in the order of the records.
void uiodrv_consumed(struct uiodrv_client *client, const struct uiodrv_record *record);
// Gives a token back; consecutive ones travel as one range. -EAGAIN: the ring is full; flush, and try again later.
int uiodrv_give_back(struct uiodrv_client *client, uint64_t token);
// Gives back every token up to `token`.
void uiodrv_give_back_through(struct uiodrv_client *client, uint64_t token);
// Asks for something to be done to a connection. -EAGAIN: the ring is full.
int uiodrv_command(struct uiodrv_client *client, uint32_t kind, uint32_t connection, uint32_t length);
// Makes everything returned and asked for visible to the engine; once a turn.
void uiodrv_flush(struct uiodrv_client *client);
// Sends bytes of a region from where they are; leave them alone until a UIODRV_SENT says that it is over. -EAGAIN as above.
int uiodrv_send_region(struct uiodrv_client *client, uint16_t region, uint64_t offset, uint32_t length,
                       uint32_t connection);
// Waits until the engine publishes, the controller has something to tell, or `nanoseconds` have passed.
int uiodrv_wait(struct uiodrv_client *client, uint64_t nanoseconds);
// What `result` of any function above means, in words.
const char *uiodrv_explain(int result);

#ifdef __cplusplus
}
#endif
#endif
