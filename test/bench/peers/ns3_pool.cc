// One pool of ports in ns-3: arrivals at random, each holds a port for 0.5 + exponential(0.5), or fails.
// Only the simulation core is used: an event for each arrival and each departure.
//
//     ns3_pool SCHEDULER WARM_UP ARRIVALS ERLANGS PORTS SEED        warms up, then prints events, seconds, failures
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "ns3/core-module.h"

namespace {

class Pool {
 public:
  Pool(long arrivals, double erlangs, int ports) : left_(arrivals), ports_(ports) {
    gap_->SetAttribute("Mean", ns3::DoubleValue(1 / erlangs));
    length_->SetAttribute("Mean", ns3::DoubleValue(0.5));
    Next();
  }

  long events = 0;
  long failed = 0;

 private:
  void Next() { ns3::Simulator::Schedule(ns3::Seconds(gap_->GetValue()), &Pool::Arrive, this); }

  void Arrive() {
    ++events;
    if (busy_ == ports_) {
      ++failed;
    } else {
      ++busy_;
      ns3::Simulator::Schedule(ns3::Seconds(0.5 + length_->GetValue()), &Pool::Leave, this);
    }
    if (--left_ > 0) Next();
  }

  void Leave() {
    ++events;
    --busy_;
  }

  ns3::Ptr<ns3::ExponentialRandomVariable> gap_ = ns3::CreateObject<ns3::ExponentialRandomVariable>();
  ns3::Ptr<ns3::ExponentialRandomVariable> length_ = ns3::CreateObject<ns3::ExponentialRandomVariable>();
  long left_;
  int ports_;
  int busy_ = 0;
};

struct Outcome {
  long events, failed;
  double seconds;
};

Outcome Run(const char* scheduler, long arrivals, double erlangs, int ports) {
  ns3::ObjectFactory factory;
  factory.SetTypeId(std::string("ns3::") + scheduler);
  ns3::Simulator::SetScheduler(factory);
  Pool pool(arrivals, erlangs, ports);
  const auto start = std::chrono::steady_clock::now();
  ns3::Simulator::Run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ns3::Simulator::Destroy();
  return {pool.events, pool.failed, seconds.count()};
}

}  // namespace

int main(int, char** argv) {
  ns3::RngSeedManager::SetSeed(std::atoi(argv[6]));
  const double erlangs = std::atof(argv[4]);
  const int ports = std::atoi(argv[5]);
  Run(argv[1], std::atol(argv[2]), erlangs, ports);
  const Outcome outcome = Run(argv[1], std::atol(argv[3]), erlangs, ports);
  std::printf("%ld %f %ld\n", outcome.events, outcome.seconds, outcome.failed);
}
