import DeviceMemory
import HeaderSplit
import PagePool
import SoftNIC
import Timeline
import VFIODriver

extension RestartRun where Driver: ~Copyable {
    /// Restarts a queue, in another pool if one is named, as an engine does: prepare, stop, take what was completed, start, give
    /// the old one's memory back. What fails is undone; returns the error then.
    @discardableResult func restart(
        _ index: Int, pool newPool: Int? = nil, after: (Step) -> Void = { _ in }
    ) -> DriverError? {
        let box = boxes[index]
        let target = newPool ?? box.pool
        let wait: (Interval) -> Void = { self.traffic($0, except: index) }
        do throws(DriverError) {
            var fresh = try driver.prepareReceiveQueue(
                index, memory: spare, splits: target != 0, pool: &pools[target].pool, flushWindow: bed.flushWindow,
                visibility: target == 0 ? .coherent : .flushRead)
            after(.prepared)
            box.isDown = true
            defer { box.isDown = false }
            do {
                try driver.stopReceiveQueue(index, &box.queue, wait: wait)
            } catch {
                fresh.stop(&pools[target].pool)
                return error
            }
            poll(index)
            after(.stopped)
            do {
                try driver.startReceiveQueue(index, &fresh, wait: wait)
            } catch {
                fresh.stop(&pools[target].pool)
                after(.startFailed)
                box.queue.rearm(&pools[box.pool].pool)
                try driver.startReceiveQueue(index, &box.queue, wait: wait)
                return error
            }
            swap(&box.queue, &fresh)
            box.queue.continueCounting(from: fresh.statistics)
            spare = fresh.memory
            fresh.stop(&pools[box.pool].pool)
            box.pool = target
            return nil
        } catch {
            return error
        }
    }

    enum Step { case prepared, stopped, startFailed }

    /// What an engine does after a reset, whoever reset the device: everything again, with the same driver and queues.
    func reestablish() throws(DriverError) {
        for index in boxes.indices {
            boxes[index].queue.halt()
            poll(index)
        }
        try driver.bringUp(wait: bed.wait)
        for (index, box) in boxes.enumerated() {
            box.queue.rearm(&pools[box.pool].pool)
            try driver.startReceiveQueue(index, &box.queue, wait: bed.wait)
        }
        try restartTransmit()
    }
}
