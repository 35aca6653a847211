import ArgumentParser
import Sessions

/// Options of the device's place on a network, the same for every command that has peers of its own.
struct StationArguments: ParsableArguments {
    @Option(help: "Where the NIC is plugged in: tap:NAME (existing or created), dgram:LOCAL,REMOTE or pcap:FILE.")
    var wire = "tap:uiodrv0"
    @Option(help: "Own address with its prefix length.")
    var address = "10.0.0.1/24"
    @Option(help: "Router for addresses outside the prefix.")
    var gateway: String?
    @Option(help: "Own IPv6 address with its prefix length, beside the other; default is none.")
    var address6: String?
    @Option(help: "Router for IPv6 addresses outside the prefix.")
    var gateway6: String?

    var options: StationOptions {
        var options = StationOptions()
        options.wire = wire
        options.address = address
        options.gateway = gateway
        options.address6 = address6
        options.gateway6 = gateway6
        return options
    }
}
