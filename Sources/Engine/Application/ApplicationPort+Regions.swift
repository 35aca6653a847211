internal import ClientKit
internal import PagePool
internal import Rings
public import TCPLite

/// What the application sends from regions.
extension ApplicationPort {
    /// Carries out the command in progress; false when it has to wait.
    mutating func continueRegionSend(
        _ command: ApplicationCommand, _ stack: inout TCPStack, _ pools: inout PoolTable
    ) -> Bool {
        guard records.hasSpace(for: 2) else { return false }
        do throws(TCPError) {
            _ = try stack.send(
                ConnectionID(rawValue: command.connection), from: command.region,
                CollectionOfOne(SendRange(offset: command.offset, length: Int(command.length))), pools: &pools)
        } catch .sendQueueFull {
            return false
        } catch {
            statistics.refusedSends &+= 1
            push(FragmentRecord(.sent, connection: command.connection, offset: command.offset))
        }
        pendingSend = nil
        return true
    }

    /// Tells of sends that are over, as far as there is room.
    @usableFromInline mutating func deliverCompletions(_ stack: inout TCPStack) -> Bool {
        var any = false
        while records.hasSpace(for: 2), let done = stack.nextCompletion(owner: owner) {
            push(
                FragmentRecord(
                    sent: done.last &- done.first &+ 1, from: UInt64(done.first), connection: done.connection.rawValue,
                    isAcknowledged: done.isAcknowledged))
            any = true
        }
        return any
    }

    /// `bytes` bytes from `offset` on of a region are the application's to send from.
    mutating func lend(region: UInt16, offset: UInt64, bytes: Int) {
        var record = FragmentRecord(event: .sendArea, number: offset, region: region)
        record.length = UInt32(clamping: bytes)
        push(record)
        publish()
    }
}
