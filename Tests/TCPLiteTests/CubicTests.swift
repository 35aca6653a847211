#if DEBUG
    import Packets
    @testable import TCPLite
    import Testing
    import Timeline

    /// Rows S-10 and S-11 as RFC 9438 has them.
    @Suite struct CubicTests {
        /// Acknowledges everything once a round trip for so long; the windows at the end of each round trip, in segments.
        static func run(
            _ cubic: inout Cubic, from window: Int, mss: Int, roundTrip: UInt64, seconds: UInt64
        ) -> [Double] {
            var cwnd = window
            var now = Instant(nanoseconds: 1_000_000_000)
            var windows: [Double] = []
            for _ in 0..<(seconds * 1000 / roundTrip) {
                var left = cwnd
                while left > 0 {
                    let acked = min(left, 2 * mss)
                    cwnd = cubic.window(cwnd, acked: acked, mss: mss, roundTrip: Int(roundTrip), now)
                    left -= acked
                }
                now = now + .milliseconds(roundTrip)
                windows.append(Double(cwnd) / Double(mss))
            }
            return windows
        }

        @Test(
            "S-10: CUBIC follows its curve: W_max again after K, a plateau there, then beyond",
            arguments: [536, 1460, 8960])
        func curve(mss: Int) throws {
            var cubic = Cubic()
            // So large that NewReno would take longer: 1000 segments, 100 ms.
            cubic.lost(window: Int32(1000 * mss))
            let windows = CubicTests.run(&cubic, from: 700 * mss, mss: mss, roundTrip: 100, seconds: 20)
            // K = cbrt(300 / 0.4) = 9.086 s.
            #expect(abs(Double(cubic.ascent) - 9086) <= 1)
            for (n, window) in windows.enumerated() {
                let t = Double(n + 1) / 10
                let expected = 0.4 * (t - 9.086) * (t - 9.086) * (t - 9.086) + 1000
                #expect(abs(window - expected) < 0.01 * expected, "\(t) s: \(window), not \(expected)")
            }
        }

        @Test(
            "S-10: where NewReno is faster CUBIC grows as NewReno would, 9/17 of a segment a round trip and then a whole one"
        )
        func friendly() {
            var cubic = Cubic()
            cubic.lost(window: 30 * 1460)
            let windows = CubicTests.run(&cubic, from: 21 * 1460, mss: 1460, roundTrip: 1, seconds: 1)
            #expect(abs(windows[16] - 30) <= 1, "17 round trips for 9 segments: \(windows[16])")
            #expect(abs(windows[116] - windows[16] - 100) <= 3, "then one each: \(windows[116] - windows[16])")
        }

        @Test("S-10: never more than half a window a round trip; no overflow however long a stage lasts")
        func bounds() {
            var cubic = Cubic()
            var cwnd = 10 * 1460
            var now = Instant(nanoseconds: 1)
            _ = cubic.window(cwnd, acked: 1460, mss: 1460, roundTrip: 10, now)
            now = now + .seconds(86_400 * 365)
            for _ in 0..<10 {
                let before = cwnd
                var left = cwnd
                while left > 0 {
                    cwnd = cubic.window(cwnd, acked: 1460, mss: 1460, roundTrip: 10_000, now)
                    left -= 1460
                }
                #expect(cwnd > before && cwnd <= before * 7 / 4, "\(before) to \(cwnd)")
            }
            cwnd = 1 << 30
            cubic.lost(window: .max)
            #expect(cubic.window(cwnd, acked: 1 << 30, mss: 1, roundTrip: .max / 4, now) >= cwnd)
        }

        @Test("S-11: after a loss in a smaller window CUBIC aims lower; after a timeout it begins flat where it is")
        func convergence() {
            var cubic = Cubic()
            cubic.lost(window: 100_000)
            #expect(cubic.peak == 100_000)
            cubic.lost(window: 80_000)
            #expect(cubic.peak == 68_000)
            cubic.lost(window: 90_000)
            #expect(cubic.peak == 90_000)
            cubic.timedOut()
            _ = cubic.window(20_000, acked: 1000, mss: 1000, roundTrip: 1, Instant(nanoseconds: 5))
            #expect(cubic.peak == 0 && cubic.ascent == 0)
        }

        @Test("S-10: the cube root is exact")
        func roots() {
            for root: UInt64 in [0, 1, 2, 3, 10, 999, 1000, 12_345, 1_000_000, 1_390_000] {
                #expect(Cubic.cubeRoot(root * root * root) == root)
                #expect(Cubic.cubeRoot(root * root * root + 3 * root * root + 3 * root) == root)
            }
        }

        @Test(
            "S-11, S-12: with CUBIC a loss leaves seven tenths of the flight, with NewReno half, by duplicates or by the timer"
        )
        func reductions() throws {
            for (control, tenths) in [(CongestionControl.cubic, 7), (.newReno, 5)] {
                let (script, id, sent) = try SenderTests.opened(60_000) { $0.congestionControl = control }
                script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[4].seq)]))
                #expect(try script.info(id).isInFastRecovery && script.info(id).ssthresh == 14_600 * tenths / 10)
                #expect(try script.info(id).cwnd == script.info(id).ssthresh)
                let (late, other, _) = try SenderTests.opened(60_000) { $0.congestionControl = control }
                late.now = try late.info(other).retransmitDeadline
                late.poll()
                #expect(try late.info(other).isInTimeoutRecovery && late.info(other).ssthresh == 14_600 * tenths / 10)
                #expect(try late.info(other).cwnd == 1460)
            }
        }

        @Test("S-10, S-15: a stack with CUBIC grows along the curve, and a pause is no time")
        func connection() throws {
            let (script, id, sent) = try SenderTests.opened(60_000) { $0.congestionControl = .cubic }
            script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[4].seq)]))
            script.ack = try script.info(id).sndNxt.rawValue
            script.send(.ack)
            #expect(try !script.info(id).isInFastRecovery)
            func acknowledge(_ rounds: Int, of bytes: Int) throws {
                for _ in 0..<rounds {
                    script.now = script.now + .milliseconds(100)
                    _ = script.host.stack.send(id, script.view(pattern(bytes)))
                    script.poll()
                    script.ack = try script.info(id).sndNxt.rawValue
                    script.send(.ack)
                }
            }
            // Slow start back to the threshold.
            try acknowledge(4, of: 20_000)
            let before = try script.info(id).cwnd
            #expect(try before >= script.info(id).ssthresh)
            try acknowledge(10, of: 20_000)
            #expect(try script.info(id).cwnd > before && script.info(id).cwnd <= before + 10 * 1460)
            try acknowledge(20, of: 0)
            #expect(try script.info(id).sendBuffered == 0)
            // 1000 s later the curve would be thousands of segments high.
            let after = try script.info(id).cwnd
            script.now = script.now + .seconds(1000)
            try acknowledge(2, of: 20_000)
            #expect(try script.info(id).cwnd <= after + 2 * 1460)
        }
    }
#endif
