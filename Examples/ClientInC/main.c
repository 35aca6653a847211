// A small client of `uiodrv serve`: listens on a port, receives one connection after the other into a region of its own, and
// prints bytes and a Fletcher sum of each.
//
//   example-client-c SOCKET PORT [CONNECTIONS]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "uiodrv_client.h"

static int failed(const char *what, int result) {
    fprintf(stderr, "example-client-c: %s: %s\n", what, uiodrv_explain(result));
    return 1;
}

int main(int count, char **words) {
    if (count < 3) {
        fprintf(stderr, "usage: example-client-c SOCKET PORT [CONNECTIONS]\n");
        return 2;
    }
    struct uiodrv_client client;
    int result = uiodrv_connect(&client, words[1]);
    if (result != 0) return failed("cannot connect", result);
    result = uiodrv_attach(&client, 4096, 8 << 20, 0);
    if (result != 0) return failed("no region", result);
    result = uiodrv_listen(&client, (uint16_t)atoi(words[2]), 128);
    if (result != 0) return failed("cannot listen", result);
    printf("listening on port %s\n", words[2]);
    fflush(stdout);

    int connections = count > 3 ? atoi(words[3]) : 1;
    uint64_t bytes = 0, in_region = 0;
    uint32_t low = 0, high = 0;
    while (connections > 0 && !client.is_over) {
        struct uiodrv_record record;
        if (!uiodrv_next(&client, &record)) {
            uiodrv_flush(&client);
            result = uiodrv_wait(&client, 100 * 1000 * 1000);
            if (result != 0) return failed("the controller's notices", result);
            continue;
        }
        const uint8_t *data = NULL;
        if (record.kind == UIODRV_DEVICE) data = uiodrv_payload(&client, &record);
        if (record.kind == UIODRV_LINEAR) data = uiodrv_linear(&client, &record);
        for (uint32_t i = 0; data && i < record.length; i++) {
            low = (low + data[i]) % 65535;
            high = (high + low) % 65535;
        }
        if (data) bytes += record.length;
        if (record.kind == UIODRV_LINEAR) uiodrv_consumed(&client, &record);
        if (record.kind == UIODRV_DEVICE) {
            in_region += record.length;
            while (uiodrv_give_back(&client, record.token) != 0) uiodrv_flush(&client);
        }
        if (record.kind == UIODRV_END_OF_STREAM) {
            printf("%" PRIu64 " bytes, %" PRIu64 " in the region, sum %08" PRIx32 "\n", bytes, in_region,
                   high << 16 | low);
            fflush(stdout);
            bytes = in_region = low = high = 0;
            (void)uiodrv_command(&client, UIODRV_SHUTDOWN, record.connection, 0);
            connections--;
        }
    }
    uiodrv_flush(&client);
    if (client.is_over) return failed("the controller has ended", 0);
    uiodrv_close(&client);
    return 0;
}
