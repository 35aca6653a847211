internal import DeviceMemory

/// What has to hold before a region is bound to a queue. Everything here reads and changes nothing.
extension NICDriver where Self: ~Copyable {
    /// Refuses what would keep receive queue `index` from filling slots of `slotSize` bytes in a region: a queue that is not
    /// there or is the host's, slots of the wrong size, checksum verdicts off, a device that was reset or may not write.
    public func checkBinding(of index: Int, slotSize: Int) throws(DriverError) {
        try checkQueue(index)
        guard index != 0 else { throw .hostQueue }
        try checkSlots(of: index, slotSize: slotSize)
        try checkBusMaster()
        guard isIntact else { throw .configurationLost }
        guard verifiesChecksums else { throw .checksumsOff }
    }

    /// Refuses a receive queue that the configuration does not have.
    public func checkQueue(_ index: Int) throws(DriverError) {
        guard index >= 0, index <= configuration.splitQueues else {
            throw .noSuchQueue(queue: index, limit: configuration.splitQueues)
        }
    }

    /// Refuses a device that may not reach memory: without bus mastering no frame and no descriptor is ever written.
    public func checkBusMaster() throws(DriverError) {
        let command = device.readConfig32(PCIConfig.command)
        guard command != .max else { throw .deviceGone(during: "a look at its command register") }
        guard command & PCIConfig.commandBusMaster != 0 else { throw .busMasterOff }
    }

    /// Refuses a slot size that receive queue `index` cannot use when it is set up as it is at first: 0 for whole frames, the
    /// others to split.
    public func checkSlots(of index: Int, slotSize: Int) throws(DriverError) {
        try checkSlots(splits: index != 0, slotSize: slotSize)
    }

    public func checkSlots(splits: Bool, slotSize: Int) throws(DriverError) {
        try Self.checkSlot(slotSize, mtu: configuration.mtu)
    }

    /// Refuses slots that a frame does not fit or whose size the device cannot be told.
    static func checkSlot(_ slotSize: Int, mtu: Int) throws(DriverError) {
        // 14 bytes of Ethernet and two VLAN tags. A slot takes a whole frame, so that an unsplit one is never chained.
        guard mtu + 22 <= slotSize else { throw .mtuOverSlot(mtu: mtu, slotSize: slotSize) }
        // BSIZEPKT (82574: BSIZE1) counts KiB: of anything else the device would fill less than a frame may need.
        guard slotSize % 1024 == 0 else { throw .slotNotWholeKiB(slotSize: slotSize) }
    }
}
