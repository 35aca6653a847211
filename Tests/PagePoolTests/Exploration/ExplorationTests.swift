import PagePool
import Testing

@Suite struct ExplorationTests {
    /// The answer of the whole table to every small state, written down once more by hand: what is added to ring, stack,
    /// transmit and application, and when.
    @Test("each transition does what it says in every state, and nothing where it is illegal (S2.11, G.10, S3.17)")
    func table() {
        let effects: [SlotTransition: (ring: Int, stack: Int, transmit: Int, application: Int)] = [
            .lend: (1, 0, 0, 0), .reclaim: (-1, 0, 0, 0), .arrive: (-1, 1, 0, 0), .split: (0, 1, 0, 0),
            .recycle: (0, -1, 0, 0), .deliver: (0, -1, 0, 1), .returned: (0, 0, 0, -1),
            .queueFromStack: (0, -1, 1, 0), .queueFromApplication: (0, 0, 1, 0), .transmitted: (0, 0, -1, 0),
        ]
        let counts: [UInt16] = [0, 1, 2, 32_767, 65_534, 65_535]
        for transition in SlotTransition.allCases {
            guard let effect = effects[transition] else {
                Issue.record("\(transition) is not in the table")
                continue
            }
            for ring in [UInt16(0), 1] {
                for stack in counts {
                    for transmit in counts {
                        for application in counts {
                            var holders = SlotHolders()
                            holders.ring = ring
                            holders.stack = stack
                            holders.transmit = transmit
                            holders.application = application
                            let before = holders
                            let others = stack != 0 || transmit != 0 || application != 0
                            let hasRoom = before.references < 65_535
                            let isLegal =
                                switch transition {
                                case .lend: ring == 0 && !others
                                case .reclaim, .arrive: ring == 1 && !others
                                case .split: stack != 0 && hasRoom
                                case .recycle: stack != 0
                                case .deliver: stack != 0 && application != .max
                                case .returned: application != 0
                                case .queueFromStack: stack != 0 && transmit != .max
                                case .queueFromApplication: application != 0 && hasRoom
                                case .transmitted: transmit != 0
                                }
                            let wasTaken = holders.apply(transition)
                            var expected = before
                            if isLegal {
                                expected.ring = UInt16(Int(ring) + effect.ring)
                                expected.stack = UInt16(Int(stack) + effect.stack)
                                expected.transmit = UInt16(Int(transmit) + effect.transmit)
                                expected.application = UInt16(Int(application) + effect.application)
                            }
                            if wasTaken != isLegal || holders != expected {
                                Issue.record("\(transition) of \(before): \(wasTaken), \(holders)")
                            }
                        }
                    }
                }
            }
        }
    }

    /// States, which a change of the table or of the model changes: then look at why.
    struct Walk: Sendable {
        var shape: WorldShape
        var states: Int
    }

    #if DEBUG
        static let walks = [Walk(shape: WorldShape(slots: [1, 1], queues: 1), states: 44_064)]
    #else
        static let walks = [
            Walk(shape: WorldShape(slots: [1, 1], queues: 2), states: 370_656),
            Walk(shape: WorldShape(slots: [1, 1], queues: 1, tokens: 2, parts: 2), states: 1_295_352),
        ]
    #endif

    @Test(
        """
        every world that queues, slots of two pools and two applications can come to, with crash, restart, close and \
        rebinding at any step, keeps the law and can drain (G.10, S2.11, S2.12, S2.15, S2.20, S2.22, S3.08)
        """, .serialized, arguments: walks)
    func explore(_ walk: Walk) {
        var explorer = Explorer(walk.shape)
        let elapsed = ContinuousClock().measure { explorer.run() }
        print("exploration of \(walk.shape): \(explorer.worlds) states, \(explorer.steps) steps in \(elapsed)")
        #expect(explorer.fault == nil)
        #expect(explorer.worlds == walk.states)
    }
}
