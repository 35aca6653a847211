// A client to be killed: takes what it gets, holds on to some of it, returns the rest by every way there is, and checks the
// one's-complement sum of each record, so that a byte of somebody else's shows.
//
//   chaos-victim SOCKET PORT SEED BYTES SLOT_SIZE FLAGS HOLD SLOTS
//
// FLAGS as for uiodrv_attach(); HOLD: tokens held before the oldest is returned; SLOTS: guaranteed to each connection. Prints "ready" once it listens. Ends by itself
// only when the controller is gone (exit status 0) or a sum is wrong (exit status 1).
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uiodrv_client.h"

static uint64_t state;

static uint32_t draw(uint32_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}

static uint16_t sum_of(const uint8_t *bytes, uint32_t length) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i + 1 < length; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (length & 1) sum += (uint32_t)bytes[length - 1] << 8;
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)sum;
}

int main(int count, char **words) {
    if (count < 9) return 2;
    struct uiodrv_client client;
    state = strtoull(words[3], NULL, 10);
    uint32_t limit = (uint32_t)atoi(words[7]);
    int result = uiodrv_connect(&client, words[1]);
    if (result == 0)
        result = uiodrv_attach(&client, strtoull(words[5], NULL, 10), strtoull(words[4], NULL, 10),
                               strtoull(words[6], NULL, 10));
    if (result == 0) result = uiodrv_listen(&client, (uint16_t)atoi(words[2]), (uint32_t)atoi(words[8]));
    if (result != 0) {
        fprintf(stderr, "chaos-victim: %s\n", uiodrv_explain(result));
        return 3;
    }
    printf("ready\n");
    fflush(stdout);

    uint64_t *held = calloc(limit + 1, sizeof *held);
    uint32_t oldest = 0, out = 0;
    if (!held) return 3;
    while (!client.is_over) {
        struct uiodrv_record record;
        if (!uiodrv_next(&client, &record)) {
            uiodrv_flush(&client);
            if (uiodrv_wait(&client, 1000 * 1000) != 0) return 3;
            continue;
        }
        const uint8_t *bytes = NULL;
        if (record.kind == UIODRV_DEVICE) bytes = uiodrv_payload(&client, &record);
        if (record.kind == UIODRV_LINEAR) bytes = uiodrv_linear(&client, &record);
        if (bytes && record.flags & UIODRV_HAS_SUM &&
            sum_of(bytes, record.length) % 0xFFFF != record.payload_sum % 0xFFFF) {
            fprintf(stderr, "chaos-victim: port %s: the bytes at %" PRIu64 " are not those that were sent\n", words[2],
                    record.offset);
            return 1;
        }
        if (record.kind == UIODRV_LINEAR) uiodrv_consumed(&client, &record);
        if (record.kind == UIODRV_END_OF_STREAM || record.kind == UIODRV_CLOSED) {
            // Forgotten tokens come back with the connection, or with the process.
            if (draw(2)) (void)uiodrv_command(&client, UIODRV_LEAVE, record.connection, 0);
        }
        if (record.kind != UIODRV_DEVICE) continue;
        held[(oldest + out++) % (limit + 1)] = record.token;
        while (out > limit) {
            uint64_t token = held[oldest];
            oldest = (oldest + 1) % (limit + 1);
            out--;
            // Now and then what must not be believed: a token twice, one that never was.
            if (draw(64) == 0) (void)uiodrv_give_back(&client, token);
            if (draw(256) == 0) (void)uiodrv_give_back(&client, token + (1u << 20));
            if (uiodrv_give_back(&client, token) != 0) {
                uiodrv_flush(&client);
                (void)uiodrv_wait(&client, 100 * 1000);
            }
        }
        if (draw(16) == 0) uiodrv_flush(&client);
    }
    return 0;
}
