/** What people talk about with the bots of the stand-in. */
export interface Topic {
  readonly name: string;
  readonly intents: readonly [string, ...string[]];
  readonly utterances: readonly [Utterance, ...Utterance[]];
}

export interface Utterance {
  readonly language: string;
  readonly text: string;
}

export const TOPICS: readonly [Topic, ...Topic[]] = [
  {
    name: "billing",
    intents: ["Explain Invoice", "Dispute Charge", "Change Payment Method"],
    utterances: [
      { language: "en", text: "I would like to know why my last invoice is higher than usual" },
      { language: "en", text: "There is a charge of 14.90 that I do not recognise, could you check it please?" },
      { language: "de", text: "Könnten Sie bitte prüfen, ob die Überweisung über 1.250,00 € bereits gebucht wurde?" },
    ],
  },
  {
    name: "delivery",
    intents: ["Track Order", "Change Address", "Report Damage"],
    utterances: [
      { language: "en", text: "Where is my parcel? The tracking page has shown the same city since Monday" },
      { language: "fr", text: "Je souhaite modifier l’adresse de livraison de ma commande nº 48213" },
      { language: "en", text: "The box arrived with a dent and one of the two lamps is broken" },
    ],
  },
  {
    name: "account",
    intents: ["Reset Password", "Unlock Account", "Change Email"],
    utterances: [
      {
        language: "es",
        text: "No puedo iniciar sesión desde ayer; el código de verificación nunca llega a mi teléfono",
      },
      { language: "en", text: "My account was locked after I had mistyped the password three times" },
      { language: "en", text: "Please send the reset link to my new address instead of the old one" },
    ],
  },
  {
    name: "cards",
    intents: ["Block Card", "Replace Card", "Raise Limit"],
    utterances: [
      { language: "ja", text: "カードを紛失しました。再発行の手続きと、利用停止の方法を教えてください。" },
      { language: "en", text: "I lost my wallet on the train, please block both of my cards right now" },
      { language: "en", text: "Can the limit be raised for a week while I am travelling?" },
    ],
  },
  {
    name: "contract",
    intents: ["Cancel Contract", "Extend Contract", "Compare Plans"],
    utterances: [
      { language: "pt", text: "Quero cancelar a assinatura e receber o reembolso proporcional conforme o contrato" },
      { language: "en", text: "Which of the two plans includes roaming, and from which date could I switch?" },
      { language: "en", text: "I moved abroad and need to end the contract at the end of the month" },
    ],
  },
  {
    name: "appointment",
    intents: ["Book Appointment", "Move Appointment", "Opening Hours"],
    utterances: [
      { language: "en", text: "Can I move my appointment from Tuesday to any morning of next week?" },
      { language: "de", text: "Bis wann hat die Filiale am Samstag geöffnet?" },
      { language: "en", text: "I need a technician at home, preferably after five in the afternoon" },
    ],
  },
];

export const HANDOFF_REASONS = ["customer asked", "not understood", "identity check", "complaint", "policy"] as const;
