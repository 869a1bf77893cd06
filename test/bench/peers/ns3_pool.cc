// One pool of ports in ns-3: arrivals at random, each holds a port for 0.5 + exponential(0.5), or fails.
// Only the simulation core is used: an event for each arrival and each departure.
//
//     ns3_pool SCHEDULER ARRIVALS ERLANGS PORTS SEED        prints events, seconds, failures
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

}  // namespace

int main(int, char** argv) {
  ns3::ObjectFactory scheduler;
  scheduler.SetTypeId(std::string("ns3::") + argv[1]);
  ns3::Simulator::SetScheduler(scheduler);
  ns3::RngSeedManager::SetSeed(std::atoi(argv[5]));
  Pool pool(std::atol(argv[2]), std::atof(argv[3]), std::atoi(argv[4]));
  const auto start = std::chrono::steady_clock::now();
  ns3::Simulator::Run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ns3::Simulator::Destroy();
  std::printf("%ld %f %ld\n", pool.events, seconds.count(), pool.failed);
}
